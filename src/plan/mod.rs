//! plan (to be filled)
