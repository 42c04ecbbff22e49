//! render (to be filled)
