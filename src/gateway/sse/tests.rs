//! The decoder against the standard, and on what gateways do beside it.
