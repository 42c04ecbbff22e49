//! Ctrl-C, once and twice.

use tokio::sync::watch;

use super::scheduler::Cancel;

/// Follows Ctrl-C (and SIGTERM, as a supervisor sends it): the first finishes running steps, the second leaves.
pub fn cancel_on_interrupt() -> watch::Receiver<Cancel> {
    let (sender, receiver) = watch::channel(Cancel::No);
    tokio::spawn(async move {
        let Ok(mut term) =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        else {
            return;
        };
        loop {
            tokio::select! {
                interrupt = tokio::signal::ctrl_c() => if interrupt.is_err() { return },
                _ = term.recv() => {}
            }
            let next = match *sender.borrow() {
                Cancel::No => Cancel::Finish,
                Cancel::Finish | Cancel::Leave => Cancel::Leave,
            };
            // The apply has ended when nobody listens any more.
            if sender.send(next).is_err() {
                return;
            }
        }
    });
    receiver
}
