//! From a relation to what is done about it: the planner's table.

use super::Relation;

/// What is to be done with a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Nothing, or nothing that can be done.
    Leave,
    /// Write the marker, change nothing else.
    Adopt,
    /// A full copy, then link.
    Seed,
    /// Link without a copy.
    Reconnect,
}

impl Intent {
    /// Whether the replica will be linked by it.
    pub fn links(self) -> bool {
        matches!(self, Self::Seed | Self::Reconnect)
    }
}

/// The table. `stale`: the link stands, but its marker says something else than the configuration.
pub fn intent(relation: &Relation, stale: bool) -> Intent {
    match relation {
        Relation::Linked if stale => Intent::Adopt,
        Relation::Linked => Intent::Leave,
        // Replication that already runs as wanted is taken over by writing its marker.
        Relation::Unmanaged => Intent::Adopt,
        // Nothing to lose there.
        Relation::Absent => Intent::Seed,
        // Planned as if it were allowed, so that the reviewer sees the whole; a finding blocks it.
        Relation::ForeignData(_) | Relation::Diverged(_) => Intent::Seed,
        // The data is a copy of what its upstream has, but can't go on: a new copy beside it.
        Relation::Broken(_) => Intent::Seed,
        // It can go on from where it is.
        Relation::Disconnected(_) | Relation::Worn(_) => Intent::Reconnect,
        // Moving is an operation of its own; unknown is never treated as absent.
        Relation::Elsewhere(_) | Relation::Unreachable(_) => Intent::Leave,
    }
}
