//! Secrets: a string that never prints, saves or logs itself.
