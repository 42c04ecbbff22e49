//! apply (to be filled)
