//! observe (to be filled)
