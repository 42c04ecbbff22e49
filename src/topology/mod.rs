//! topology (to be filled)
