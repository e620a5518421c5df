//! Nothing of its own: the stories over real processes are in `stories/`.
