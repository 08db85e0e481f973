"""Lists of files: what is in the folders now, and what ended, in pages and in a chosen order.

`folder_files` and `ended_files` each have a page for every position; begin reading there.
"""
