"""Methods, a room a track, one component a file, written with the public API only."""
