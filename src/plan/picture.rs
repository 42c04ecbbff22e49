//! The picture: each member as it is and as it will be.

use super::{PictureRow, Relation};
use crate::engines::Engine;
use crate::observe::Instance;
use crate::topology::{MemberId, Replica, Replication, Upstream};

/// What the planner knows of a replica when the picture is drawn.
pub(super) struct Row<'a> {
    pub replica: &'a Replica,
    pub instance: Option<&'a Instance>,
    pub relation: &'a Relation,
    pub linked_after: bool,
}

pub(super) fn rows(
    engine: &dyn Engine,
    replication: &Replication,
    replicas: &[Row<'_>],
) -> Vec<PictureRow> {
    let mut rows = vec![PictureRow {
        member: MemberId::Primary,
        subject: replication.primary.server.to_string(),
        upstream: None,
        before: "primary".to_owned(),
        after: "primary".to_owned(),
        relation: None,
    }];
    rows.extend(replicas.iter().map(|row| {
        let named = format!("replica \"{}\"", row.replica.name);
        let stands = row.relation.stands();
        let before = match (row.relation, row.instance) {
            _ if stands => format!("{named}, streaming"),
            (_, None) => "unreachable".to_owned(),
            (_, Some(instance)) => engine.describe(instance),
        };
        let after = if row.linked_after || stands {
            format!("{named}, streaming")
        } else {
            before.clone()
        };
        PictureRow {
            member: MemberId::Replica(row.replica.name.clone()),
            subject: row.replica.member.server.to_string(),
            upstream: Some(match &row.replica.upstream {
                Upstream::Primary => MemberId::Primary,
                Upstream::Replica(name) => MemberId::Replica(name.clone()),
            }),
            before,
            after,
            relation: Some(row.relation.clone()),
        }
    }));
    rows
}
