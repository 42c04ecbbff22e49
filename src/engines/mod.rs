//! engines (to be filled)
