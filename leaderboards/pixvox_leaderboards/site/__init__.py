"""The site of a board: static pages that sort, filter and link with no network."""
