"""One self-contained HTML page: no scripts, nothing fetched, readable in light, in dark and on paper."""
