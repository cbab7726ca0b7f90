"""Will a stream load there: the load played for a destination, and what is known of one."""
