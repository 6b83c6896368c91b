"""What the tables and the figure of chapter 2 share: images with wrong labels, searches, final trainings."""
