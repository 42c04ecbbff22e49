//! remote (to be filled)
