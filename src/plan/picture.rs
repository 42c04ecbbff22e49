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

/// A replica that the configuration has no more. `parts`: it is standalone afterwards.
pub(super) struct Parted<'a> {
    pub replica: &'a Replica,
    pub instance: Option<&'a Instance>,
    pub relation: &'a Relation,
    pub parts: bool,
}

pub(super) fn rows(
    engine: &dyn Engine,
    replication: &Replication,
    replicas: &[Row<'_>],
    former: &[Parted<'_>],
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
            upstream: Some(upstream_of(row.replica)),
            before,
            after,
            relation: Some(row.relation.clone()),
        }
    }));
    rows.extend(former.iter().map(|row| {
        let before = match (row.relation, row.instance) {
            (relation, Some(_)) if relation.stands() => {
                format!("replica \"{}\", streaming", row.replica.name)
            }
            (_, Some(instance)) => engine.describe(instance),
            (_, None) => "unreachable".to_owned(),
        };
        let after = if row.parts && row.instance.is_none() {
            "given up".to_owned()
        } else if row.parts {
            "standalone".to_owned()
        } else {
            before.clone()
        };
        PictureRow {
            member: MemberId::Replica(row.replica.name.clone()),
            subject: row.replica.member.server.to_string(),
            upstream: Some(upstream_of(row.replica)),
            before,
            after,
            relation: Some(row.relation.clone()),
        }
    }));
    rows
}

fn upstream_of(replica: &Replica) -> MemberId {
    match &replica.upstream {
        Upstream::Primary => MemberId::Primary,
        Upstream::Replica(name) => MemberId::Replica(name.clone()),
    }
}
