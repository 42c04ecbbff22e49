//! diagnostics (to be filled)
