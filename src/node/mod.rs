//! The N-API boundary: converts, calls once, converts back. Decides nothing.
