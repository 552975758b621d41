//! What the tests share and no binary ships.
