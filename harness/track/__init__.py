"""What a track is: its protocols, and how a method of it is called."""
