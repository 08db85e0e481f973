# W1 as most people would write it, with sub(); w1.awk is twice as fast.

BEGIN {
    tag["INFO"] = "info"; tag["WARN"] = "warn"; tag["ERROR"] = "error"
    for (level in tag) file[level] = dir "/" tag[level] ".log"
}

{
    level = $2
    count[level]++
    if (level == "INFO" && /healthz/) next
    out = (level in file) ? file[level] : dir "/other.log"
    service = $3
    sub(/^[^ ]* [^ ]* [^ ]* /, "")
    print "[" level "] " service ": " $0 > out
}

END { for (level in count) print level, count[level] > "/dev/stderr" }
