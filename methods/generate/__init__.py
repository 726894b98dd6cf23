"""Methods of `generate`: samplers, and models that these ask. What begins with an underscore is shared."""
