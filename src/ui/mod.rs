//! ui (to be filled)
