//! Ctrl-C, once and twice; and who applies, as others will read it.

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

/// `user@host pid 123 since 2026-11-24T08:00:00Z`: what a lock's file, the journal and other applies say of this one.
pub fn who() -> String {
    let user = std::env::var("USER")
        .or_else(|_| std::env::var("LOGNAME"))
        .unwrap_or_else(|_| "somebody".to_owned());
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let since = jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    let clean = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>();
    format!(
        "{}@{} pid {} since {since}",
        clean(&user),
        clean(&host),
        std::process::id()
    )
}
