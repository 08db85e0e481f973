# W1: perl w1.pl FOLDER INPUT
# Counts a level go to standard error.

use strict;
use warnings;

my ($folder, $input) = @ARGV;
my %tags = (INFO => "info", WARN => "warn", ERROR => "error");
my (%files, %counts);

open(my $lines, "<", $input) or die "$input: $!";
while (my $line = <$lines>) {
    my (undef, $level, $service, $rest) = split(/ /, $line, 4);
    $counts{$level}++;
    next if $level eq "INFO" && index($line, "healthz") >= 0;
    my $file = $files{$level} ||= to($level);
    print $file "[$level] $service: $rest";
}
close($_) or die "$folder: $!" for values %files;
print STDERR "$_ $counts{$_}\n" for sort keys %counts;

sub to {
    my $name = $tags{$_[0]} || "other";
    open(my $file, ">", "$folder/$name.log") or die "$folder/$name.log: $!";
    return $file;
}
