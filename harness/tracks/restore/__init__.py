"""Track `restore`: picture in, picture out."""
