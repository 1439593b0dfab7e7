"""Neural style: the content of one picture in the style of another (book figure 5-20).

Reading order: `losses` (what is minimised), `colours`, `config`, `networks` (which judge),
`descent` (how it is minimised, from coarse to fine), `files` (from two pictures to a third).
"""
