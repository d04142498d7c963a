// The names that the portable files of assembly/ use for plain numbers.
type u32 = number;
type i32 = number;
