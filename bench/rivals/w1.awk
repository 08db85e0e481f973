# W1. For mawk and gawk: awk -v dir=FOLDER -f w1.awk INPUT
# Counts a level go to standard error.

BEGIN {
    tag["INFO"] = "info"; tag["WARN"] = "warn"; tag["ERROR"] = "error"
    for (level in tag) file[level] = dir "/" tag[level] ".log"
}

{
    level = $2
    count[level]++
    if (level == "INFO" && /healthz/) next
    out = (level in file) ? file[level] : dir "/other.log"
    print "[" level "] " $3 ": " substr($0, length($1) + length(level) + length($3) + 4) > out
}

END { for (level in count) print level, count[level] > "/dev/stderr" }
