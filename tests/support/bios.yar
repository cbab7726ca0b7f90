rule firmware : bios {
  strings: $date = "06/23/99" $jump = { ea 5b ?? 00 f0 }
  condition: $date in (@jump .. @jump + 16)
}
rule nothing { strings: $x = "there is no such thing" condition: $x }
