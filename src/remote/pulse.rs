//! When a session's machine was last heard, when to ask it for a sign of life, and when to look again. Pure: told the time, it says
//! what is due.

use std::time::{Duration, Instant};

/// With libssh2's two seconds between two questions, a healthy machine is heard within this.
const LEAST_SILENCE: Duration = Duration::from_secs(3);
/// Bytes that come between two channels' turns and are read by the second one's call leave nothing for `poll` to see, and nobody can
/// tell: so what went quiet is looked at again soon, and then ever more rarely.
const FIRST_GLANCE: Duration = Duration::from_millis(10);

/// What is due now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    /// Ask the machine for a sign of life.
    Question,
    /// It is given up.
    End,
}

/// A session's signs of life.
#[derive(Debug)]
pub(super) struct Pulse {
    silence: Duration,
    heard: Instant,
    asked: Instant,
    /// Bytes that lay unread in the stream when it was last looked at.
    unread: u64,
    glance: Duration,
}

impl Pulse {
    /// For a machine that was just heard and is given up after `silence`, or three seconds if that is less.
    pub(super) fn new(silence: Duration, now: Instant) -> Self {
        Self {
            silence: silence.max(LEAST_SILENCE),
            heard: now,
            asked: now,
            unread: 0,
            glance: FIRST_GLANCE,
        }
    }

    /// How long the machine may be silent.
    pub(super) fn silence(&self) -> Duration {
        self.silence
    }

    /// Before this the machine owed nothing.
    pub(super) fn begin(&mut self, now: Instant) {
        (self.heard, self.asked) = (now, now);
    }

    /// Something came.
    pub(super) fn hear(&mut self, now: Instant) {
        self.heard = now;
    }

    /// So many bytes lie in the stream, because a forward's other side is slow or the session has to send first. They are a sign of
    /// life when they come, not as long as they lie there.
    pub(super) fn see_unread(&mut self, bytes: u64, now: Instant) {
        if bytes > self.unread {
            self.heard = now;
        }
        self.unread = bytes;
    }

    /// What is due; a question that is due counts as asked.
    pub(super) fn due(&mut self, now: Instant) -> Due {
        if now.saturating_duration_since(self.heard) >= self.silence {
            return Due::End;
        }
        if now.saturating_duration_since(self.heard.max(self.asked)) < self.silence / 3 {
            return Due::Nothing;
        }
        self.asked = now;
        Due::Question
    }

    /// Something moved: more may follow at once.
    pub(super) fn quicken(&mut self) {
        self.glance = FIRST_GLANCE;
    }

    /// When to look again though nothing came: at something's being due, or for a glance.
    pub(super) fn alarm(&mut self, now: Instant) -> Instant {
        let glance = now + self.glance;
        self.glance = (self.glance * 2).min(self.silence);
        glance.min(self.heard.max(self.asked) + self.silence / 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE: Duration = Duration::from_secs(30);

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn a_machine_is_asked_every_third_of_the_limit_and_given_up_at_its_end() {
        let start = Instant::now();
        let mut pulse = Pulse::new(SILENCE, start);
        let due = [9, 10, 11, 20, 29, 30].map(|second| pulse.due(after(start, second)));
        let wanted = [
            Due::Nothing,
            Due::Question,
            Due::Nothing,
            Due::Question,
            Due::Nothing,
            Due::End,
        ];
        assert_eq!(due, wanted);
    }

    #[test]
    fn unread_bytes_are_a_sign_of_life_only_when_they_come() {
        let start = Instant::now();
        let mut pulse = Pulse::new(SILENCE, start);
        pulse.see_unread(100, after(start, 15));
        pulse.see_unread(100, after(start, 29));
        assert_eq!(pulse.due(after(start, 44)), Due::Question);
        assert_eq!(pulse.due(after(start, 45)), Due::End);
    }

    #[test]
    fn glances_grow_rarer_until_something_moves() {
        let start = Instant::now();
        let mut pulse = Pulse::new(SILENCE, start);
        let alarms: Vec<Duration> = (0..12).map(|_| pulse.alarm(start) - start).collect();
        assert!(alarms.is_sorted());
        assert_eq!(
            (alarms[0], alarms[1], alarms[11]),
            (FIRST_GLANCE, FIRST_GLANCE * 2, SILENCE / 3)
        );
        pulse.quicken();
        assert_eq!(pulse.alarm(start) - start, FIRST_GLANCE);
    }
}
