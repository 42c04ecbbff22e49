//! cli (to be filled)
