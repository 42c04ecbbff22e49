//! config (to be filled)
