# The same without the health checks of INFO.
$2 == "INFO" && /healthz/ { next }
{ print > $2 }
