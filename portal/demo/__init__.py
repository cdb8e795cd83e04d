"""Everything `portal demo` needs to run the whole portal on one machine; nothing here is used in production."""
