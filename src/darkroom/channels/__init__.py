"""Where pictures come from: the catalog of upstreams, the choice among them, one attempt, the ids they gave."""
