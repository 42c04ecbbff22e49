//! Tests of saved observations.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::saved::{SavedError, age_seconds, load, merge, read, save};
use super::{MachineObservation, OBSERVATION_FORMAT, Observation};
use crate::topology::MachineId;

fn unreachable(why: &str) -> MachineObservation {
    MachineObservation::Unreachable {
        reason: "refused".to_owned(),
        message: why.to_owned(),
    }
}

fn observation(at: &str, machines: &[(&str, MachineObservation)]) -> Observation {
    Observation {
        format_version: OBSERVATION_FORMAT.to_owned(),
        replform: "0.1.0".to_owned(),
        topology: "acme".to_owned(),
        observed_at: at.to_owned(),
        machines: machines
            .iter()
            .map(|(id, machine)| (MachineId((*id).to_owned()), machine.clone()))
            .collect(),
    }
}

fn recorded() -> MachineObservation {
    let text = include_str!("../../testdata/observations/host/app.json");
    MachineObservation::Reached(serde_json::from_str(text).unwrap())
}

fn sample() -> Observation {
    observation(
        "2026-11-24T08:00:00Z",
        &[
            ("10.0.0.1", recorded()),
            ("10.0.0.2", unreachable("closed")),
        ],
    )
}

fn broken(change: impl Fn(&mut serde_json::Value)) -> String {
    let mut document = serde_json::to_value(sample()).unwrap();
    change(&mut document);
    let bytes = serde_json::to_vec(&document).unwrap();
    read(&bytes, Path::new("o.json")).unwrap_err().to_string()
}

#[test]
fn what_was_saved_is_read_back_and_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("o.json");
    std::fs::write(&file, "older").unwrap();
    save(&sample(), &file).unwrap();
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(load(&[file]).unwrap(), sample());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn of_each_machine_the_newest_counts_and_the_whole_is_as_old_as_its_oldest() {
    let old = observation(
        "2026-11-24T08:00:00Z",
        &[("a", unreachable("old")), ("b", unreachable("old"))],
    );
    let new = observation("2026-11-24T09:00:00+00:30", &[("a", unreachable("new"))]);
    let merged = merge(vec![new.clone(), old.clone()]).unwrap();
    assert_eq!(
        merged.machines[&MachineId("a".to_owned())],
        unreachable("new")
    );
    assert_eq!(
        merged.machines[&MachineId("b".to_owned())],
        unreachable("old")
    );
    assert_eq!(merged.observed_at, "2026-11-24T08:00:00Z");
    let covered = observation("2026-11-24T07:00:00Z", &[("a", unreachable("older"))]);
    assert_eq!(
        merge(vec![covered, new.clone()]).unwrap().observed_at,
        new.observed_at
    );
    assert_eq!(
        age_seconds(&old, "2026-11-24T08:01:00Z".parse().unwrap()),
        Some(60)
    );
    assert_eq!(
        age_seconds(&old, "2026-11-24T07:00:00Z".parse().unwrap()),
        Some(0)
    );
}

#[test]
fn an_unknown_field_is_refused_with_its_path() {
    let told = broken(|o| o["machines"]["10.0.0.1"]["host"]["colour"] = 1.into());
    assert!(told.contains("machines[\"10.0.0.1\"].host"), "{told}");
    assert!(told.contains("colour"), "{told}");
    let told = broken(|o| o["machines"]["10.0.0.1"]["host"]["memory_total"] = "much".into());
    assert!(
        told.contains("machines[\"10.0.0.1\"].host.memory_total"),
        "{told}"
    );
    let told = broken(|o| o["machines"]["10.0.0.2"]["state"] = "gone".into());
    assert!(told.contains("machines[\"10.0.0.2\"]"), "{told}");
    let told = broken(|o| o["observed_at"] = "yesterday".into());
    assert!(told.contains("field observed_at"), "{told}");
    let told = broken(|o| o["extra"] = 1.into());
    assert!(told.contains("extra"), "{told}");
}

#[test]
fn another_format_and_another_topology_are_refused() {
    assert!(broken(|o| o["format_version"] = "2.0".into()).contains("\"2.0\""));
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("1"), folder.path().join("2"));
    save(&sample(), &one).unwrap();
    save(
        &Observation {
            topology: "other".to_owned(),
            ..sample()
        },
        &two,
    )
    .unwrap();
    assert!(matches!(
        load(&[one, two]),
        Err(SavedError::Topology { .. })
    ));
    assert!(matches!(load(&[]), Err(SavedError::Nothing)));
}
