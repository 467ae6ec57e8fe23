//! How bodies are written, and how replies of every shape end.
