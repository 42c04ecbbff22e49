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
    STEP_REACH = 721, "a step's host wasn't reached",
        "The machine didn't answer, or nothing could be sent to it, so this step changed nothing. Reach it (replform observe says why it can't be), then apply again.";
    STEP_LOCK = 722, "something else works there",
        "Another apply, or what an earlier one left running, holds this instance or this replication. The message says who and since when. It is waited for; when it doesn't end, look for it on the host.";
    STEP_CHECK = 723, "the world is no longer as the plan saw it",
        "Each step looks once more before it changes anything. What it found isn't what the plan rests on, so it changed nothing. Plan again.";
    STEP_RUN = 724, "a step stopped while it worked",
        "Every step can be cut off anywhere and run again: mend what the message says, then apply again, and it goes on from there.";
    STEP_VERIFY = 725, "what a step did doesn't show",
        "The step ran, but what it wanted isn't so: something else undoes it, or the server doesn't do what it was told. The message says what is seen instead.";
    STEP_OVERTAKEN = 726, "another apply came in between",
        "The link to a locked host was cut for so long that the lock there freed itself, and another apply took it before this one could again. What this one planned may no longer fit, so it begins no further step, on any host. Plan again.";
}
