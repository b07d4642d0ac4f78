"""From folders and archives in their official layouts to a data set in the library. Imports no torch."""
