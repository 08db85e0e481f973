# W1 by one who knows mawk: no table of files, no name looked up in one, and the lengths of levels are known.

BEGIN { info = dir "/info.log"; warn = dir "/warn.log"; error = dir "/error.log"; other = dir "/other.log" }

$2 == "INFO" {
    if (index($0, "healthz")) next
    infos++
    print "[INFO] " $3 ": " substr($0, length($1) + length($3) + 8) > info
    next
}
$2 == "WARN" { warns++; print "[WARN] " $3 ": " substr($0, length($1) + length($3) + 8) > warn; next }
$2 == "ERROR" { errors++; print "[ERROR] " $3 ": " substr($0, length($1) + length($3) + 9) > error; next }
{ print "[" $2 "] " $3 ": " substr($0, length($1) + length($2) + length($3) + 4) > other }

END { print infos, warns, errors > "/dev/stderr" }
