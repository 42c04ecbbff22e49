//! MongoDB: replica sets of mongod, inside one stack.
//!
//! A set is one system with its own will: it elects its primary and copies its data to a new member itself. So there is no
//! backup and no restore of ours: a member is prepared (`configure`), made one by one change of the set's configuration, and
//! waited for (`link`). Who is primary is the set's choice; where it isn't the configuration's, that is said, never fought.

mod checks;
mod decode;
mod engine;
mod facts;
mod probe;
mod relation;
mod scripts;
mod settings;
mod steps;
mod summary;

pub use decode::decode;
pub use engine::MongoDb;
pub use facts::{
    DatabaseFacts, InitialSync, MemberWish, MongoFacts, Oplog, SeenMember, SetConfig, SetStatus,
    State, Unit,
};
pub use probe::PROBE;
