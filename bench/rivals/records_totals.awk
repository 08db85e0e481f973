# Counts the statuses of an access log in the combined format.
BEGIN { FPAT = "([^ ]+)|(\"[^\"]*\")|(\\[[^]]*\\])" }
{ count[$6]++ }
END { n = asorti(count, statuses); for (i = 1; i <= n; i++) print statuses[i], count[statuses[i]] }
