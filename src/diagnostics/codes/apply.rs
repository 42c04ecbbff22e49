//! Codes of planning and applying as commands: files of plans and observations, locks, confirmation.

use super::{Code, Entry};

codes! { APPLY:
    NO_SUCH_TARGET = 701, "an address that names nothing",
        "-target and -exclude take addresses of the configuration: replication.NAME or replication.NAME.replica.NAME. One that names nothing is an error, because a slip would otherwise plan too much or too little.";
    CLIENT = 702, "this machine can't run replform",
        "The machine that runs replform refused threads, files or sockets that it needs. Nothing was changed on any host.";
    OBSERVATION = 703, "a saved observation can't be used",
        "The file isn't what `replform observe -o FILE` of this version writes, or it is of another topology.";
    OBSERVATION_TOO_OLD = 704, "the observation is too old",
        "-max-age refuses to plan from facts that are older than you allow. Observe again.";
    PLANNER = 705, "the planner contradicts itself",
        "Steps of the plan wait for each other, or for a step that isn't there. This is a fault of replform: nothing was changed; please report it with the output of `replform observe -o FILE`.";
    PLAN_FILE = 706, "a plan file can't be used",
        "The file isn't what `replform plan -out FILE` of this version writes.";
    NO_CONFIRMATION = 707, "nobody confirmed",
        "Apply asks before it changes anything. Without a terminal it needs -auto-approve, a saved plan (apply PLANFILE) or -expect-plan HASH.";
    NEEDS_A_PERSON = 708, "a person must have seen this plan",
        "The plan sets data aside or could lose writes. -auto-approve alone is not enough for that: confirm at a terminal, apply a saved plan, or give -expect-plan with the plan's hash.";
    PLAN_BLOCKED = 709, "the plan is blocked",
        "A rule or a hazard that isn't allowed stands in the way of the whole plan. Nothing was changed; the plan says what to write.";
    PLAN_CHANGED = 710, "the plan no longer fits",
        "What was reviewed isn't what would be done now: a fact that the plan rests on, the configuration or a sensitive value has changed. Nothing was changed on the hosts; review the new plan.";
    LOCKED = 711, "another apply is running",
        "Another replform holds a host of this topology. It frees its locks when it ends, or within seconds when it dies; -lock-timeout=3m waits.";
    APPLY_FAILED = 712, "the apply stopped",
        "A step failed. Steps that don't need it were finished; what was done stays done, and apply goes on from there when it is run again.";
}
