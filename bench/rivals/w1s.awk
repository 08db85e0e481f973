# W1s: w1.awk, and each line says how many errors its service has had so far.

BEGIN {
    tag["INFO"] = "info"; tag["WARN"] = "warn"; tag["ERROR"] = "error"
    for (level in tag) file[level] = dir "/" tag[level] ".log"
}

{
    level = $2
    count[level]++
    if (level == "INFO" && /healthz/) next
    if (level == "ERROR") errors[$3]++
    out = (level in file) ? file[level] : dir "/other.log"
    rest = substr($0, length($1) + length(level) + length($3) + 4)
    print "[" level "] " $3 ": " rest " errors=" (errors[$3] + 0) > out
}

END { for (level in count) print level, count[level] > "/dev/stderr" }
