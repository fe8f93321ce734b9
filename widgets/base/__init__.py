"""What every dashboard stands on: live figures, the dashboard itself, tables, keys and controls.

================  =====================================================================
module            what is in it
================  =====================================================================
``locking``       the one lock of the kernel
``bundles``       BokehJS of the installed bokeh, sent once to each kernel's page
``pane``          FigurePane: one bokeh figure or layout, live in the page
``outbox``        changes of a document on their way to the page: numbered, latest wins
``table``         RowTable: many rows, virtually scrolled
``rows``          which rows of a table are shown, in which order
``columns``       columns of a table on their way to the page, and how numbers are written
``expressions``   what is typed into a filter
``ordering``      the order of rows: missing values last, ties by key
``keys``          Keys: keyboard, names for screen readers, the style sheet
``controls``      controls bound to traits, and boxes around them
``jobs``          work in the background with progress and cancel
``dashboard``     Dashboard: the frame of them all
``page``          a dashboard as one file that opens without a network
================  =====================================================================
"""
