//! Random sequences of jobs against a plain model.
