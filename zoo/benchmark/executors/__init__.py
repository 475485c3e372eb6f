"""Where the runs of a benchmark happen: in this process, in processes of their own, or where an executor of a plugin puts them."""
