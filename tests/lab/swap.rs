//! The swap of a copy inside of a data directory that is a mount point, cut off at every place on a real host.

use crate::lab::Lab;

/// Each with its name.
pub const TESTS: [(&str, fn()); 1] = [(
    "a_swap_inside_a_mount_point_survives_every_cut",
    a_swap_inside_a_mount_point_survives_every_cut,
)];

/// What the scripts of every engine stand on, then the trial.
const TEXT: &str = concat!(
    include_str!("../../src/apply/prelude.sh"),
    include_str!("../../src/engines/common.sh"),
    include_str!("swap.sh")
);

fn a_swap_inside_a_mount_point_survives_every_cut() {
    let lab = Lab::up("swap", &["db1=bookworm-bare@10.77.1.11"]);
    let ran = lab.host("db1").sh_with_input("exec sh -s", TEXT);
    let ran = ran.expect_success();
    crate::report(ran.line());
    let cuts = ran.stdout.lines().filter_map(|line| {
        let (count, world) = line.strip_prefix("cuts ")?.split_once(' ')?;
        Some((world, count.parse::<u32>().unwrap()))
    });
    let cuts: Vec<_> = cuts.collect();
    // Each entry is moved by one command, which is cut off before and after.
    assert_eq!(cuts.len(), 2);
    assert!(cuts.iter().all(|(_, count)| *count >= 20), "{cuts:?}");
}
