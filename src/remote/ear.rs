//! A channel that was opened only so that libssh2 reads and answers what an idle server has sent, on its way out.

use ssh2::Channel;

use super::exec::{Bench, Round};
use super::gate::{Call, ChannelId, Step};

/// A channel that was opened only to hear the server, on its way out.
pub(super) struct Ear {
    pub(super) id: ChannelId,
    pub(super) channel: Channel,
}

impl Ear {
    /// One round: whatever can be done without waiting.
    pub(super) fn round(&mut self, bench: &mut Bench<'_>) -> Round {
        let channel = &mut self.channel;
        match bench
            .gate
            .attempt(bench.session, self.id, Call::Close, || channel.close())
        {
            Step::Wait => Round::Still,
            Step::Failed(fault) if !fault.is_of_channel() => Round::Broken(fault),
            Step::Done(()) | Step::Failed(_) => Round::Finished,
        }
    }
}
